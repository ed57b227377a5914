variable "name" {
  description = "Name of the service and prefix of what belongs to it."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,23}$", var.name))
    error_message = "2 to 24 characters of a-z, 0-9 and -, the first a letter: names of load balancers' parts are short."
  }
}

variable "aws" {
  description = "Where it runs."
  type        = object({ region = string, account_id = string, partition = optional(string, "aws") })
  validation {
    condition     = can(regex("^[0-9]{12}$", var.aws.account_id))
    error_message = "account_id has 12 digits."
  }
}

variable "image" {
  description = "The image, by digest (REPOSITORY@sha256:...) or by a tag that never moves."
  type        = string
  validation {
    condition     = can(regex("(@sha256:[0-9a-f]{64}|:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})$", var.image)) && !endswith(var.image, ":latest")
    error_message = "Name a digest or a tag, and not :latest: two tasks of one service could run different code."
  }
}

variable "image_repository_arn" {
  description = "ARN of the ECR repository that the image is pulled from; null for a public one."
  type        = string
  default     = null
  validation {
    condition     = var.image_repository_arn == null || can(regex("^arn:[a-z-]+:ecr:[a-z0-9-]+:[0-9]{12}:repository/[^*]+$", var.image_repository_arn))
    error_message = "The ARN of one repository, without *."
  }
}

variable "log_group" {
  description = "Name of the log group."
  type        = string
}

variable "log_mode" {
  description = "What happens where CloudWatch does not take lines: non-blocking loses lines, blocking stops requests."
  type        = string
  default     = "non-blocking"
  validation {
    condition     = contains(["non-blocking", "blocking"], var.log_mode)
    error_message = "non-blocking or blocking."
  }
}

variable "hosts" {
  description = "Names under which clients call (QUILT_MCP_ALLOWED_HOSTS)."
  type        = list(string)
  validation {
    condition     = length(var.hosts) >= 1 && length(var.hosts) <= 2 && alltrue([for h in var.hosts : can(regex("^[a-z0-9.-]+$", h))])
    error_message = "One or two host names in lower case, without scheme, port or *: a rule of an ALB has five values, and three are paths."
  }
}

variable "origins" {
  description = "Web origins whose pages may call (QUILT_MCP_ALLOWED_ORIGINS)."
  type        = list(string)
  default     = []
  validation {
    condition     = alltrue([for o in var.origins : can(regex("^https://[a-z0-9.-]+(:[0-9]+)?$", o))])
    error_message = "Each is https://HOST[:PORT], without a path and without *."
  }
}

variable "catalog_url" {
  description = "The Quilt catalog (QUILT_CATALOG_URL); null for none."
  type        = string
  default     = null
}

variable "catalog_tokens" {
  description = "Accepts the catalog's session tokens and API keys (QUILT_MCP_CATALOG_TOKENS)."
  type        = bool
  default     = false
  validation {
    condition     = !var.catalog_tokens || var.catalog_url != null
    error_message = "The registry verifies these tokens: set catalog_url."
  }
}

variable "jwt_secret_parameter" {
  description = "Name of the SSM parameter with the secret of enhanced tokens. The server reads it by itself, again every five minutes: a rotation needs no restart."
  type        = string
  default     = null
  validation {
    condition     = var.jwt_secret_parameter == null || can(regex("^/[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*$", var.jwt_secret_parameter))
    error_message = "A name that begins with /, without * and without :version (that would never change)."
  }
  validation {
    condition     = var.jwt_secret_parameter == null || !contains(keys(var.secrets), "MCP_ENHANCED_JWT_SECRET")
    error_message = "Either jwt_secret_parameter, or MCP_ENHANCED_JWT_SECRET in secrets, which would win."
  }
  validation {
    condition     = var.jwt_secret_parameter != null || contains(keys(var.secrets), "MCP_ENHANCED_JWT_SECRET") || var.catalog_tokens
    error_message = "No family of tokens is on: set jwt_secret_parameter, MCP_ENHANCED_JWT_SECRET in secrets, or catalog_tokens."
  }
}

variable "jwt_secret_kms_key_arn" {
  description = "ARN of the KMS key of that parameter; null where it is AWS's own key of SSM."
  type        = string
  default     = null
  validation {
    condition     = var.jwt_secret_kms_key_arn == null || can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[^*]+$", var.jwt_secret_kms_key_arn))
    error_message = "The ARN of one key, without *."
  }
}

variable "secrets" {
  description = "Secrets that ECS reads when a task starts: name of the variable => ARN of an SSM parameter. They change with a restart only."
  type        = map(string)
  default     = {}
  validation {
    condition     = alltrue([for name in keys(var.secrets) : contains(local.secret_variables, name)])
    error_message = "Secrets are: MCP_ENHANCED_JWT_SECRET, QUILT_MCP_SESSION_SECRET, QUILT_MCP_EXTERNAL_ID."
  }
  validation {
    condition     = alltrue([for arn in values(var.secrets) : can(regex("^arn:[a-z-]+:ssm:[a-z0-9-]+:[0-9]{12}:parameter/[^*]+$", arn))])
    error_message = "Each value is the ARN of one SSM parameter, without *; never the secret itself."
  }
}

variable "secrets_kms_key_arn" {
  description = "ARN of the KMS key of those parameters; null where it is AWS's own key of SSM."
  type        = string
  default     = null
  validation {
    condition     = var.secrets_kms_key_arn == null || can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[^*]+$", var.secrets_kms_key_arn))
    error_message = "The ARN of one key, without *."
  }
}

variable "role_arns" {
  description = "The only roles that are ever assumed (QUILT_MCP_ALLOWED_ROLE_ARNS, and the task role's policy)."
  type        = list(string)
  validation {
    condition     = length(var.role_arns) > 0 || (var.jwt_secret_parameter == null && !contains(keys(var.secrets), "MCP_ENHANCED_JWT_SECRET"))
    error_message = "Enhanced tokens need at least one role: without one they reach nothing."
  }
  validation {
    condition     = alltrue([for arn in var.role_arns : can(regex("^arn:[a-z-]+:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+$", arn))])
    error_message = "Each is the ARN of one IAM role; * is not accepted."
  }
}

variable "role_map" {
  description = "Role names in tokens => ARNs (QUILT_MCP_ROLE_MAP)."
  type        = map(string)
  default     = {}
  validation {
    condition     = alltrue([for arn in values(var.role_map) : contains(var.role_arns, arn)])
    error_message = "role_arns must hold every role of role_map."
  }
}

variable "sts_identity" {
  description = "How AssumeRole names the caller (QUILT_MCP_STS_IDENTITY). The roles' trust policies have to permit it."
  type        = string
  default     = "off"
  validation {
    condition     = contains(["off", "source-identity", "tags", "both"], var.sts_identity)
    error_message = "off, source-identity, tags or both."
  }
}

variable "max_connections" {
  description = "Connections per task (QUILT_MCP_MAX_CONNECTIONS); the limit of open files follows."
  type        = number
  default     = 1024
  validation {
    condition     = var.max_connections >= 1 && var.max_connections <= 65536
    error_message = "1 to 65536."
  }
}

variable "drain_delay_seconds" {
  description = "Seconds after SIGTERM for which connections are still accepted while /readyz says 503."
  type        = number
  default     = 10
  validation {
    condition     = var.drain_delay_seconds >= local.health.interval * local.health.unhealthy
    error_message = "The load balancer needs 10 seconds (2 checks, 5 seconds apart) to notice."
  }
}

variable "drain_seconds" {
  description = "Seconds after SIGTERM within which running requests end, the delay included."
  type        = number
  default     = 30
  validation {
    condition     = var.drain_seconds > var.drain_delay_seconds && var.drain_seconds <= 110
    error_message = "More than drain_delay_seconds, and at most 110: Fargate kills a task 120 seconds after SIGTERM."
  }
}

variable "environment" {
  description = "Further variables of docs/CONFIG.md."
  type        = map(string)
  default     = {}
  validation {
    condition     = length(setintersection(keys(var.environment), concat(local.secret_variables, keys(local.environment_of_inputs)))) == 0
    error_message = "No secrets here (use secrets), and nothing that another input of this module sets."
  }
}
