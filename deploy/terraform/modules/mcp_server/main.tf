# One service of quilt-mcp-server behind a listener of an existing ALB. By theme: task.tf, service.tf, alb.tf,
# iam.tf, autoscaling.tf, logs_alarms.tf. What needs no provider (the container, the policies, the log filters,
# the checks of the inputs) is in definition/, where it is tested.

data "aws_caller_identity" "here" {}
data "aws_partition" "here" {}

module "definition" {
  source = "./definition"

  name = var.name
  aws = {
    region     = var.region
    account_id = data.aws_caller_identity.here.account_id
    partition  = data.aws_partition.here.partition
  }
  image                  = var.image
  image_repository_arn   = var.image_repository_arn
  log_group              = local.log_group
  log_mode               = var.log_mode
  hosts                  = var.hosts
  origins                = var.origins
  catalog_url            = var.catalog_url
  catalog_tokens         = var.catalog_tokens
  jwt_secret_parameter   = var.jwt_secret_parameter
  jwt_secret_kms_key_arn = var.jwt_secret_kms_key_arn
  secrets                = var.secrets
  secrets_kms_key_arn    = var.secrets_kms_key_arn
  role_arns              = var.role_arns
  role_map               = var.role_map
  sts_identity           = var.sts_identity
  max_connections        = var.max_connections
  drain_delay_seconds    = var.drain_delay_seconds
  drain_seconds          = var.drain_seconds
  environment            = var.environment
}

locals {
  log_group = "/ecs/${var.name}"
  tags      = merge(var.tags, { Service = var.name })
}
