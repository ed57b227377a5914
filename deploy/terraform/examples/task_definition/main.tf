# deploy/ecs-task-definition.json, for those who do not deploy with Terraform: `scripts/check-deploy --write`
# makes the file out of this. The values are those of examples/basic; no provider is needed.

module "definition" {
  source = "../../modules/mcp_server/definition"

  name                 = "quilt-mcp"
  aws                  = { region = "us-east-1", account_id = "123456789012" }
  image                = "123456789012.dkr.ecr.us-east-1.amazonaws.com/quilt-mcp-server:0.1.0"
  image_repository_arn = "arn:aws:ecr:us-east-1:123456789012:repository/quilt-mcp-server"
  log_group            = "/ecs/quilt-mcp"
  hosts                = ["mcp.example.com"]
  origins              = ["https://catalog.example.com"]
  catalog_url          = "https://catalog.example.com"
  jwt_secret_parameter = "/quilt/mcp-server/jwt-secret"
  secrets = {
    QUILT_MCP_SESSION_SECRET = "arn:aws:ssm:us-east-1:123456789012:parameter/quilt/mcp-server/session-secret" # checkov:skip=CKV_SECRET_6:an ARN, no secret
  }
  role_map  = { ReadOnlyQuilt = "arn:aws:iam::123456789012:role/ReadOnlyQuilt" }
  role_arns = ["arn:aws:iam::123456789012:role/ReadOnlyQuilt"]
  environment = {
    QUILT_MCP_JWT_ISSUER   = "quilt-frontend"
    QUILT_MCP_JWT_AUDIENCE = "quilt-mcp-server"
  }
}

output "task_definition" {
  description = "Input of ecs:RegisterTaskDefinition."
  value = {
    family                  = "quilt-mcp"
    requiresCompatibilities = ["FARGATE"]
    networkMode             = "awsvpc"
    cpu                     = "512"
    memory                  = "1024"
    taskRoleArn             = "arn:aws:iam::123456789012:role/quilt-mcp-task"
    executionRoleArn        = "arn:aws:iam::123456789012:role/quilt-mcp-exec"
    runtimePlatform         = { operatingSystemFamily = "LINUX", cpuArchitecture = "X86_64" }
    containerDefinitions    = jsondecode(module.definition.container_definitions)
  }
}

output "task_policy" {
  description = "Policy of the task role."
  value       = jsondecode(module.definition.task_policy)
}

output "execution_policy" {
  description = "Policy of the execution role."
  value       = jsondecode(module.definition.execution_policy)
}

output "trust_policy" {
  description = "Who may take both roles."
  value       = jsondecode(module.definition.trust_policy)
}

output "filters" {
  description = "Patterns of the alarms."
  value       = module.definition.filters
}

output "deregistration_delay" {
  description = "Of the target group, in seconds."
  value       = module.definition.deregistration_delay
}
