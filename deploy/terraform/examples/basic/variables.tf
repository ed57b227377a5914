variable "region" {
  description = "AWS region."
  type        = string
  default     = "us-east-1"
}

variable "account_id" {
  description = "The AWS account."
  type        = string
}

variable "image_tag" {
  description = "Tag of the image in the repository quilt-mcp-server."
  type        = string
}

variable "vpc_id" {
  description = "The VPC."
  type        = string
}

variable "private_subnet_ids" {
  description = "Two private subnets or more."
  type        = list(string)
}

variable "ecs_cluster_arn" {
  description = "The ECS cluster."
  type        = string
}

variable "alb_listener_arn" {
  description = "HTTPS listener of the ALB."
  type        = string
}

variable "alb_security_group_id" {
  description = "Security group of the ALB."
  type        = string
}

variable "alarm_topic_arns" {
  description = "SNS topics for alarms."
  type        = list(string)
  default     = []
}
