output "container_definitions" {
  description = "For aws_ecs_task_definition, as JSON."
  value       = jsonencode([local.container])
}

output "task_policy" {
  description = "Policy of the task role, as JSON; null where the server needs nothing of AWS."
  value       = length(local.task_statements) == 0 ? null : jsonencode({ Version = "2012-10-17", Statement = local.task_statements })
}

output "execution_policy" {
  description = "Policy of the execution role, as JSON."
  value       = jsonencode({ Version = "2012-10-17", Statement = local.execution_statements })
}

output "trust_policy" {
  description = "Who may take both roles, as JSON."
  value       = jsonencode({ Version = "2012-10-17", Statement = local.trust_statements })
}

output "filters" {
  description = "Metric filters of the log: name => pattern and value."
  value       = local.filters
}

output "port" {
  description = "The container's port."
  value       = local.port
}

output "health" {
  description = "What the load balancer asks: path, and times in seconds."
  value       = local.health
}

output "deregistration_delay" {
  description = "Seconds that the load balancer leaves to requests of a task that goes: as many as the server does."
  value       = var.drain_seconds
}

output "needs_aws" {
  description = "Whether the task role has a policy at all."
  value       = length(var.role_arns) > 0 || var.jwt_secret_parameter != null
}
