# Inputs of the container are checked in definition/variables.tf, which says what each accepts.

variable "name" {
  description = "Name of the service and prefix of what belongs to it, at most 24 characters."
  type        = string
}

variable "region" {
  description = "AWS region, the provider's."
  type        = string
}

# Where it runs.

variable "vpc_id" {
  description = "The VPC."
  type        = string
}

variable "private_subnet_ids" {
  description = "Subnets of the tasks, in two zones or more; with a way out to AWS and the catalog."
  type        = list(string)
  validation {
    condition     = length(var.private_subnet_ids) >= 2
    error_message = "Two subnets or more: one zone may fail."
  }
}

variable "egress_cidr_blocks" {
  description = "Where tasks may open HTTPS connections to. S3, STS and the catalog have no fixed addresses; narrow it where VPC endpoints serve them."
  type        = list(string)
  default     = ["0.0.0.0/0"]
}

variable "ecs_cluster_arn" {
  description = "The ECS cluster."
  type        = string
  validation {
    condition     = can(regex(":cluster/[^/]+$", var.ecs_cluster_arn))
    error_message = "The ARN of a cluster: autoscaling reads its name there."
  }
}

variable "alb_listener_arn" {
  description = "HTTPS listener of the ALB."
  type        = string
  validation {
    condition     = can(regex(":listener/app/[^/]+/[^/]+/[^/]+$", var.alb_listener_arn))
    error_message = "The ARN of a listener of an application load balancer."
  }
}

variable "alb_security_group_id" {
  description = "Security group of the ALB: the only one that reaches the tasks."
  type        = string
}

variable "manage_alb_egress" {
  description = "Adds a rule to the ALB's group that lets it reach the tasks."
  type        = bool
  default     = false
}

variable "listener_priority" {
  description = "Priority of the rule; before rules that take the same host."
  type        = number
}

variable "public_health_path" {
  description = "Health path that the listener passes on as well, for monitors outside; null for none."
  type        = string
  default     = "/healthz"
  validation {
    condition     = var.public_health_path == null || contains(["/health", "/healthz", "/readyz"], coalesce(var.public_health_path, "-"))
    error_message = "/health, /healthz, /readyz, or null."
  }
}

# What runs.

variable "image" {
  description = "The image, by digest or by a tag that never moves."
  type        = string
}

variable "image_repository_arn" {
  description = "ARN of its ECR repository; null for a public one."
  type        = string
  default     = null
}

variable "cpu" {
  description = "CPU units of a task (1024 are one)."
  type        = number
  default     = 512
}

variable "memory" {
  description = "MiB of a task."
  type        = number
  default     = 1024
  validation {
    condition     = var.memory >= 512
    error_message = "512 or more: the cache of manifests alone takes 96 MiB (QUILT_MCP_PACKAGE_CACHE_MIB)."
  }
}

variable "cpu_architecture" {
  description = "The architecture that the image was built for: X86_64 or ARM64."
  type        = string
  default     = "X86_64"
}

variable "min_tasks" {
  description = "Tasks at least."
  type        = number
  default     = 2
  validation {
    condition     = var.min_tasks >= 1 && var.min_tasks <= var.max_tasks
    error_message = "1 or more (2 outlive a zone), and no more than max_tasks."
  }
}

variable "max_tasks" {
  description = "Tasks at most."
  type        = number
  default     = 6
}

# Who may call, and what for.

variable "hosts" {
  description = "Names under which clients call, one or two."
  type        = list(string)
}

variable "origins" {
  description = "Web origins whose pages may call."
  type        = list(string)
  default     = []
}

variable "catalog_url" {
  description = "The Quilt catalog; null for none."
  type        = string
  default     = null
}

variable "catalog_tokens" {
  description = "Accepts the catalog's session tokens and API keys."
  type        = bool
  default     = false
}

variable "jwt_secret_parameter" {
  description = "Name of the SSM parameter with the secret of enhanced tokens; the server reads it by itself and follows rotations."
  type        = string
  default     = null
}

variable "jwt_secret_kms_key_arn" {
  description = "ARN of the KMS key of that parameter; null for AWS's own."
  type        = string
  default     = null
}

variable "secrets" {
  description = "Variables that ECS fills from SSM at the start: name => ARN of the parameter."
  type        = map(string)
  default     = {}
}

variable "secrets_kms_key_arn" {
  description = "ARN of the KMS key of those parameters; null for AWS's own."
  type        = string
  default     = null
}

variable "role_arns" {
  description = "The only roles that are ever assumed."
  type        = list(string)
}

variable "role_map" {
  description = "Role names in tokens => ARNs, each of role_arns."
  type        = map(string)
  default     = {}
}

variable "sts_identity" {
  description = "How AssumeRole names the caller: off, source-identity, tags or both."
  type        = string
  default     = "off"
}

variable "max_connections" {
  description = "Connections per task."
  type        = number
  default     = 1024
}

variable "drain_delay_seconds" {
  description = "Seconds after SIGTERM for which connections are still accepted."
  type        = number
  default     = 10
}

variable "drain_seconds" {
  description = "Seconds after SIGTERM within which running requests end; the stop timeout and the deregistration delay follow."
  type        = number
  default     = 30
}

variable "environment" {
  description = "Further variables of docs/CONFIG.md; no secrets."
  type        = map(string)
  default     = {}
}

# Logs and alarms.

variable "log_retention_days" {
  description = "Days that logs are kept."
  type        = number
  default     = 365
}

variable "log_mode" {
  description = "Where CloudWatch does not take lines: non-blocking loses lines, blocking stops requests."
  type        = string
  default     = "non-blocking"
}

variable "log_kms_key_arn" {
  description = "KMS key of the log group; null for CloudWatch's own. Its policy has to admit CloudWatch Logs."
  type        = string
  default     = null
}

variable "alarm_topic_arns" {
  description = "SNS topics that alarms go to."
  type        = list(string)
  default     = []
}

variable "alarm_thresholds" {
  description = "How many raise an alarm: rejects and errors in 5 minutes, failed refreshes in 15; of secret_age_seconds, which age."
  type = object({
    auth_rejects       = optional(number, 20)
    server_errors      = optional(number, 5)
    refresh_failures   = optional(number, 2)
    secret_age_seconds = optional(number, 3600)
  })
  default = {}
}

variable "tags" {
  description = "Tags of everything."
  type        = map(string)
  default     = {}
}
