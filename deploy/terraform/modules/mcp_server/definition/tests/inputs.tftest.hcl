# `terraform test` in this folder: what is refused, and what policies come out. Needs no provider.
variables {
  name                 = "quilt-mcp"
  aws                  = { region = "us-east-1", account_id = "123456789012" }
  image                = "123456789012.dkr.ecr.us-east-1.amazonaws.com/quilt-mcp-server:0.1.0"
  log_group            = "/ecs/quilt-mcp"
  hosts                = ["mcp.example.com"]
  jwt_secret_parameter = "/quilt/mcp-server/jwt-secret"
  role_arns            = ["arn:aws:iam::123456789012:role/ReadOnlyQuilt"]
}

run "the_least_that_works" {
  command = plan
  assert {
    condition = jsondecode(output.task_policy).Statement == [
      {
        Sid      = "AssumeTheListedRoles"
        Effect   = "Allow"
        Action   = ["sts:AssumeRole"]
        Resource = ["arn:aws:iam::123456789012:role/ReadOnlyQuilt"]
      },
      {
        Sid      = "ReadTheTokenSecret"
        Effect   = "Allow"
        Action   = ["ssm:GetParameter"]
        Resource = ["arn:aws:ssm:us-east-1:123456789012:parameter/quilt/mcp-server/jwt-secret"]
      },
    ]
    error_message = "The task role may do these two things and nothing else: ${output.task_policy}"
  }
  assert {
    condition     = [for s in jsondecode(output.execution_policy).Statement : s.Sid] == ["WriteTheLog"]
    error_message = "Without ECR and secrets ECS writes the log only: ${output.execution_policy}"
  }
}

run "identity_towards_sts_needs_its_actions" {
  command = plan
  variables {
    sts_identity = "both"
  }
  assert {
    condition     = jsondecode(output.task_policy).Statement[0].Action == ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"]
    error_message = "SetSourceIdentity and TagSession are missing: ${output.task_policy}"
  }
}

run "catalog_tokens_alone_need_no_aws" {
  command = plan
  variables {
    jwt_secret_parameter = null
    role_arns            = []
    catalog_tokens       = true
    catalog_url          = "https://catalog.example.com"
  }
  assert {
    condition     = output.task_policy == null
    error_message = "Nothing is asked of AWS with the server's own identity."
  }
}

run "times_fit" {
  command = plan
  variables {
    drain_seconds = 100
  }
  assert {
    condition     = jsondecode(output.container_definitions)[0].stopTimeout == 110 && output.deregistration_delay == 100
    error_message = "Stop timeout and deregistration delay follow the drain."
  }
}

run "no_role_is_refused" {
  command = plan
  variables {
    role_arns = []
  }
  expect_failures = [var.role_arns]
}

run "any_role_is_refused" {
  command = plan
  variables {
    role_arns = ["arn:aws:iam::123456789012:role/*"]
  }
  expect_failures = [var.role_arns]
}

run "a_mapped_role_has_to_be_on_the_list" {
  command = plan
  variables {
    role_map = { Curator = "arn:aws:iam::123456789012:role/Curator" }
  }
  expect_failures = [var.role_map]
}

run "a_secret_itself_is_refused" {
  command = plan
  variables {
    secrets = { QUILT_MCP_SESSION_SECRET = "not an ARN" }
  }
  expect_failures = [var.secrets]
}

run "a_secret_in_the_environment_is_refused" {
  command = plan
  variables {
    environment = { QUILT_MCP_SESSION_SECRET = "x" }
  }
  expect_failures = [var.environment]
}

run "two_sources_of_the_secret_are_refused" {
  command = plan
  variables {
    secrets = { MCP_ENHANCED_JWT_SECRET = "arn:aws:ssm:us-east-1:123456789012:parameter/quilt/jwt" } # checkov:skip=CKV_SECRET_6:an ARN, no secret
  }
  expect_failures = [var.jwt_secret_parameter]
}

run "no_tokens_at_all_is_refused" {
  command = plan
  variables {
    jwt_secret_parameter = null
    role_arns            = []
  }
  expect_failures = [var.jwt_secret_parameter]
}

run "a_pinned_version_of_the_parameter_is_refused" {
  command = plan
  variables {
    jwt_secret_parameter = "/quilt/mcp-server/jwt-secret:3"
  }
  expect_failures = [var.jwt_secret_parameter]
}

run "latest_is_refused" {
  command = plan
  variables {
    image = "quilt-mcp-server:latest"
  }
  expect_failures = [var.image]
}

run "any_origin_is_refused" {
  command = plan
  variables {
    origins = ["*"]
  }
  expect_failures = [var.origins]
}

run "any_host_is_refused" {
  command = plan
  variables {
    hosts = ["*.example.com"]
  }
  expect_failures = [var.hosts]
}

run "a_drain_that_fargate_cuts_is_refused" {
  command = plan
  variables {
    drain_seconds = 115
  }
  expect_failures = [var.drain_seconds]
}

run "a_delay_shorter_than_the_health_checks_is_refused" {
  command = plan
  variables {
    drain_delay_seconds = 9
  }
  expect_failures = [var.drain_delay_seconds]
}

run "an_unknown_identity_is_refused" {
  command = plan
  variables {
    sts_identity = "everything"
  }
  expect_failures = [var.sts_identity]
}

run "a_log_that_blocks_has_no_buffer" {
  command = plan
  variables {
    log_mode = "blocking"
  }
  assert {
    condition     = !contains(keys(jsondecode(output.container_definitions)[0].logConfiguration.options), "max-buffer-size")
    error_message = "awslogs refuses a buffer's size in blocking mode."
  }
}

run "an_unknown_log_mode_is_refused" {
  command = plan
  variables {
    log_mode = "sometimes"
  }
  expect_failures = [var.log_mode]
}
