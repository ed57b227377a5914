# quilt-mcp-server behind an ALB that is there, with the token secret in SSM.
#
# Two parameters are made beforehand, outside of Terraform, so that no state file holds a secret:
#   /quilt/mcp-server/jwt-secret      what the catalog's front end signs with
#   /quilt/mcp-server/session-secret  openssl rand -base64 48
# Each role of role_arns has to trust the output task_role_arn.

terraform {
  required_version = ">= 1.9"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.40, < 7.0"
    }
  }
}

provider "aws" {
  region = var.region
}

module "mcp_server" {
  source = "../../modules/mcp_server"

  name   = "quilt-mcp"
  region = var.region

  vpc_id                = var.vpc_id
  private_subnet_ids    = var.private_subnet_ids
  ecs_cluster_arn       = var.ecs_cluster_arn
  alb_listener_arn      = var.alb_listener_arn
  alb_security_group_id = var.alb_security_group_id
  listener_priority     = 100

  image                = "${var.account_id}.dkr.ecr.${var.region}.amazonaws.com/quilt-mcp-server:${var.image_tag}"
  image_repository_arn = "arn:aws:ecr:${var.region}:${var.account_id}:repository/quilt-mcp-server"

  hosts       = ["mcp.example.com"]
  origins     = ["https://catalog.example.com"]
  catalog_url = "https://catalog.example.com"

  jwt_secret_parameter = "/quilt/mcp-server/jwt-secret"
  secrets = {
    QUILT_MCP_SESSION_SECRET = "arn:aws:ssm:${var.region}:${var.account_id}:parameter/quilt/mcp-server/session-secret"
  }

  role_map = { ReadOnlyQuilt = "arn:aws:iam::${var.account_id}:role/ReadOnlyQuilt" }
  role_arns = [
    "arn:aws:iam::${var.account_id}:role/ReadOnlyQuilt",
  ]

  environment = {
    QUILT_MCP_JWT_ISSUER   = "quilt-frontend"
    QUILT_MCP_JWT_AUDIENCE = "quilt-mcp-server"
  }

  alarm_topic_arns = var.alarm_topic_arns
}

output "task_role_arn" {
  description = "For the trust policies of the roles."
  value       = module.mcp_server.task_role_arn
}
