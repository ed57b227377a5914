resource "aws_cloudwatch_log_group" "this" {
  name              = local.log_group
  retention_in_days = var.log_retention_days
  kms_key_id        = var.log_kms_key_arn
  tags              = local.tags
}

locals {
  metrics = "QuiltMcp/${var.name}"

  # How many in a period (or, of the age, which) is too much; what to do: docs/LOGGING.md, "At 3 a.m.".
  # While the secret cannot be read, a task tries again every five minutes or more often: three tries in 15.
  alarms = {
    auth_rejects = {
      statistic   = "Sum"
      threshold   = var.alarm_thresholds.auth_rejects
      period      = 300
      description = "Tokens are refused: a secret that differs from the front end's, or somebody who tries"
    }
    server_errors = {
      statistic   = "Sum"
      threshold   = var.alarm_thresholds.server_errors
      period      = 300
      description = "Requests are answered with 5xx: overload, or the registry cannot be reached"
    }
    refresh_failures = {
      statistic   = "Sum"
      threshold   = var.alarm_thresholds.refresh_failures
      period      = 900
      description = "The token secret cannot be read again; the last good one stays in use"
    }
    secret_age = {
      statistic   = "Maximum"
      threshold   = var.alarm_thresholds.secret_age_seconds
      period      = 900
      description = "The token secret in use is old: a key that was to be removed is still good"
    }
  }
}

resource "aws_cloudwatch_log_metric_filter" "this" {
  for_each = module.definition.filters

  name           = "${var.name}-${each.key}"
  log_group_name = aws_cloudwatch_log_group.this.name
  pattern        = each.value.pattern

  metric_transformation {
    namespace = local.metrics
    name      = each.key
    value     = each.value.value
  }
}

resource "aws_cloudwatch_metric_alarm" "log" {
  for_each = local.alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = local.metrics
  metric_name         = each.key
  statistic           = each.value.statistic
  period              = each.value.period
  evaluation_periods  = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = each.value.threshold
  # No line, nothing wrong.
  treat_missing_data = "notBreaching"
  alarm_actions      = var.alarm_topic_arns
  ok_actions         = var.alarm_topic_arns
  tags               = local.tags

  depends_on = [aws_cloudwatch_log_metric_filter.this]
}

# What no log line says: 5xx that the load balancer answers itself, and too few tasks that answer.
resource "aws_cloudwatch_metric_alarm" "no_healthy_task" {
  alarm_name          = "${var.name}-no-healthy-task"
  alarm_description   = "No task passes the load balancer's health check"
  namespace           = "AWS/ApplicationELB"
  metric_name         = "HealthyHostCount"
  dimensions          = { LoadBalancer = local.alb, TargetGroup = aws_lb_target_group.this.arn_suffix }
  statistic           = "Minimum"
  period              = 60
  evaluation_periods  = 2
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "breaching"
  alarm_actions       = var.alarm_topic_arns
  ok_actions          = var.alarm_topic_arns
  tags                = local.tags
}

resource "aws_cloudwatch_metric_alarm" "target_5xx" {
  alarm_name          = "${var.name}-target-5xx"
  alarm_description   = "The load balancer got 5xx from tasks, or nothing"
  namespace           = "AWS/ApplicationELB"
  metric_name         = "HTTPCode_Target_5XX_Count"
  dimensions          = { LoadBalancer = local.alb, TargetGroup = aws_lb_target_group.this.arn_suffix }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = var.alarm_thresholds.server_errors
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arns
  ok_actions          = var.alarm_topic_arns
  tags                = local.tags
}

locals {
  # arn:...:listener/app/NAME/ID/LISTENER => app/NAME/ID
  alb = join("/", slice(split("/", var.alb_listener_arn), 1, 4))
}
