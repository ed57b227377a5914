# What the two roles may do. Both are written out: AWS's managed policies allow more.
locals {
  prefix = "arn:${var.aws.partition}"

  # The task: the server's own identity. Nothing on S3 or Athena: users' data is reached with users' roles.
  task_statements = concat(
    length(var.role_arns) == 0 ? [] : [{
      Sid    = "AssumeTheListedRoles"
      Effect = "Allow"
      Action = concat(
        ["sts:AssumeRole"],
        contains(["source-identity", "both"], var.sts_identity) ? ["sts:SetSourceIdentity"] : [],
        contains(["tags", "both"], var.sts_identity) ? ["sts:TagSession"] : [],
      )
      Resource = var.role_arns
    }],
    var.jwt_secret_parameter == null ? [] : [{
      Sid      = "ReadTheTokenSecret"
      Effect   = "Allow"
      Action   = ["ssm:GetParameter"]
      Resource = ["${local.prefix}:ssm:${var.aws.region}:${var.aws.account_id}:parameter${var.jwt_secret_parameter}"]
    }],
    var.jwt_secret_parameter == null || var.jwt_secret_kms_key_arn == null ? [] : [{
      Sid       = "DecryptTheTokenSecret"
      Effect    = "Allow"
      Action    = ["kms:Decrypt"]
      Resource  = [var.jwt_secret_kms_key_arn]
      Condition = { StringEquals = { "kms:ViaService" = "ssm.${var.aws.region}.amazonaws.com" } }
    }],
  )

  # ECS itself, before the container runs: image, log stream, secrets.
  execution_statements = concat(
    var.image_repository_arn == null ? [] : [
      {
        # AWS knows no resource for this action.
        Sid      = "LogInToEcr"
        Effect   = "Allow"
        Action   = ["ecr:GetAuthorizationToken"]
        Resource = ["*"]
      },
      {
        Sid      = "PullTheImage"
        Effect   = "Allow"
        Action   = ["ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"]
        Resource = [var.image_repository_arn]
      },
    ],
    [{
      Sid      = "WriteTheLog"
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = ["${local.prefix}:logs:${var.aws.region}:${var.aws.account_id}:log-group:${var.log_group}:log-stream:*"]
    }],
    length(var.secrets) == 0 ? [] : [{
      Sid      = "ReadTheSecrets"
      Effect   = "Allow"
      Action   = ["ssm:GetParameters"]
      Resource = distinct(values(var.secrets))
    }],
    length(var.secrets) == 0 || var.secrets_kms_key_arn == null ? [] : [{
      Sid       = "DecryptTheSecrets"
      Effect    = "Allow"
      Action    = ["kms:Decrypt"]
      Resource  = [var.secrets_kms_key_arn]
      Condition = { StringEquals = { "kms:ViaService" = "ssm.${var.aws.region}.amazonaws.com" } }
    }],
  )

  # Only ECS, and only for tasks of this account.
  trust_statements = [{
    Effect    = "Allow"
    Action    = "sts:AssumeRole"
    Principal = { Service = "ecs-tasks.amazonaws.com" }
    Condition = {
      StringEquals = { "aws:SourceAccount" = var.aws.account_id }
      ArnLike      = { "aws:SourceArn" = "${local.prefix}:ecs:${var.aws.region}:${var.aws.account_id}:*" }
    }
  }]
}
