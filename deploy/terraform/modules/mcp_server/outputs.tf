output "service_name" {
  description = "Name of the ECS service."
  value       = aws_ecs_service.this.name
}

output "task_role_arn" {
  description = "The server's own identity: the roles of role_arns have to trust it."
  value       = aws_iam_role.task.arn
}

output "execution_role_arn" {
  description = "ECS's identity."
  value       = aws_iam_role.execution.arn
}

output "security_group_id" {
  description = "Group of the tasks."
  value       = aws_security_group.task.id
}

output "target_group_arn" {
  description = "The ALB's target group."
  value       = aws_lb_target_group.this.arn
}

output "listener_rule_arn" {
  description = "The rule on the ALB's listener."
  value       = aws_lb_listener_rule.this.arn
}

output "log_group_name" {
  description = "The log group."
  value       = aws_cloudwatch_log_group.this.name
}
