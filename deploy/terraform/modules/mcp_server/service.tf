resource "aws_ecs_service" "this" {
  name             = var.name
  cluster          = var.ecs_cluster_arn
  task_definition  = aws_ecs_task_definition.this.arn
  desired_count    = var.min_tasks
  launch_type      = "FARGATE"
  platform_version = "LATEST"
  propagate_tags   = "SERVICE"
  tags             = local.tags

  # No shell in the image, so nothing to log in to.
  enable_execute_command = false

  # A new task has to be healthy before an old one goes; a version that does not start is rolled back.
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  health_check_grace_period_seconds  = 30

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = var.private_subnet_ids
    security_groups  = [aws_security_group.task.id]
    assign_public_ip = false
  }

  load_balancer {
    target_group_arn = aws_lb_target_group.this.arn
    container_name   = var.name
    container_port   = module.definition.port
  }

  lifecycle {
    # Autoscaling decides.
    ignore_changes = [desired_count]
  }

  # ECS refuses a target group that no listener uses, and a task needs its policies when it starts.
  depends_on = [aws_lb_listener_rule.this, aws_iam_role_policy.task, aws_iam_role_policy.execution]
}

# Nobody but the load balancer gets in. Out: AWS's interfaces and the catalog, by HTTPS.
resource "aws_security_group" "task" {
  name_prefix = "${var.name}-"
  description = "Tasks of ${var.name}"
  vpc_id      = var.vpc_id
  tags        = local.tags

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "from_alb" {
  security_group_id            = aws_security_group.task.id
  description                  = "MCP and health checks from the load balancer"
  referenced_security_group_id = var.alb_security_group_id
  ip_protocol                  = "tcp"
  from_port                    = module.definition.port
  to_port                      = module.definition.port
  tags                         = local.tags
}

resource "aws_vpc_security_group_egress_rule" "https" {
  for_each = toset(var.egress_cidr_blocks)

  security_group_id = aws_security_group.task.id
  description       = "HTTPS to AWS and the catalog"
  cidr_ipv4         = each.value
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  tags              = local.tags
}

# The load balancer has to reach the tasks, where its own group does not let everything out.
resource "aws_vpc_security_group_egress_rule" "alb_to_task" {
  count = var.manage_alb_egress ? 1 : 0

  security_group_id            = var.alb_security_group_id
  description                  = "To the tasks of ${var.name}"
  referenced_security_group_id = aws_security_group.task.id
  ip_protocol                  = "tcp"
  from_port                    = module.definition.port
  to_port                      = module.definition.port
  tags                         = local.tags
}
