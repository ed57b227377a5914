# The one container of the task.
locals {
  secret_variables = ["MCP_ENHANCED_JWT_SECRET", "QUILT_MCP_SESSION_SECRET", "QUILT_MCP_EXTERNAL_ID"]
  port             = 8000

  # What the load balancer asks. /readyz turns 503 with SIGTERM, so no new request comes to a task that
  # stops; it depends on nothing outside the process, so a registry that is down takes no task out.
  health = { path = "/readyz", interval = 5, timeout = 3, healthy = 2, unhealthy = 2 }

  # The drain, 3 seconds to stop queries, and some air.
  stop_timeout = var.drain_seconds + 10

  environment_of_inputs = {
    QUILT_MCP_ADDR                        = "0.0.0.0:${local.port}"
    QUILT_MCP_ALLOWED_HOSTS               = join(",", var.hosts)
    QUILT_MCP_ALLOWED_ORIGINS             = join(",", var.origins)
    QUILT_MCP_MAX_CONNECTIONS             = tostring(var.max_connections)
    QUILT_MCP_DRAIN_DELAY_SECONDS         = tostring(var.drain_delay_seconds)
    QUILT_MCP_DRAIN_SECONDS               = tostring(var.drain_seconds)
    MCP_ENHANCED_JWT_SECRET_SSM_PARAMETER = var.jwt_secret_parameter == null ? "" : var.jwt_secret_parameter
    QUILT_MCP_ALLOWED_ROLE_ARNS           = join(",", var.role_arns)
    QUILT_MCP_ROLE_MAP                    = join(",", [for name, arn in var.role_map : "${name}=${arn}"])
    QUILT_MCP_STS_IDENTITY                = var.sts_identity
    QUILT_MCP_CATALOG_TOKENS              = tostring(var.catalog_tokens)
    QUILT_CATALOG_URL                     = var.catalog_url == null ? "" : var.catalog_url
    QUILT_MCP_LOG_FORMAT                  = "json"
    AWS_REGION                            = var.aws.region
  }
  # An empty value is the same as none.
  environment = { for name, value in merge(var.environment, local.environment_of_inputs) : name => value if value != "" }

  container = {
    name      = var.name
    image     = var.image
    essential = true

    portMappings = [{ containerPort = local.port, hostPort = local.port, protocol = "tcp" }]

    environment = [for name, value in local.environment : { name = name, value = value }]
    secrets     = [for name, arn in var.secrets : { name = name, valueFrom = arn }]

    # The image has no shell and no curl: the binary asks itself. It asks for life, not for readiness, so
    # that a task which drains is left to finish.
    healthCheck = {
      command     = ["CMD", "/usr/local/bin/quilt-mcp-server", "healthcheck"]
      interval    = 10
      timeout     = 5
      retries     = 3
      startPeriod = 30
    }

    stopTimeout            = local.stop_timeout
    user                   = "65532:65532"
    readonlyRootFilesystem = true
    privileged             = false
    linuxParameters = {
      initProcessEnabled = true
      capabilities       = { add = [], drop = ["ALL"] }
    }
    # The server wants 800 more than connections.
    ulimits = [{ name = "nofile", softLimit = var.max_connections + 1024, hardLimit = var.max_connections + 1024 }]

    logConfiguration = {
      logDriver = "awslogs"
      options = merge(
        {
          awslogs-group         = var.log_group
          awslogs-region        = var.aws.region
          awslogs-stream-prefix = "ecs"
          mode                  = var.log_mode
        },
        var.log_mode == "non-blocking" ? { max-buffer-size = "25m" } : {},
      )
    }
  }
}
