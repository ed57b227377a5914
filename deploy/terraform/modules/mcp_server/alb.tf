locals {
  # `/mcp/*` does not match `/mcp`: both are needed.
  paths = concat(["/mcp", "/mcp/*"], var.public_health_path == null ? [] : [var.public_health_path])
}

resource "aws_lb_listener_rule" "this" {
  listener_arn = var.alb_listener_arn
  priority     = var.listener_priority
  tags         = local.tags

  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this.arn
  }

  condition {
    host_header {
      values = var.hosts
    }
  }

  condition {
    path_pattern {
      values = local.paths
    }
  }
}

resource "aws_lb_target_group" "this" {
  # TLS ends at the load balancer; from there it is the VPC, and the tasks' group admits nobody else.
  #checkov:skip=CKV_AWS_378:the server speaks HTTP only; TLS ends at the load balancer, and only it reaches the tasks
  name        = var.name
  port        = module.definition.port
  protocol    = "HTTP"
  target_type = "ip"
  vpc_id      = var.vpc_id
  tags        = local.tags

  # As long as the server takes for its drain: shorter would cut answers that it would still give.
  deregistration_delay = module.definition.deregistration_delay
  # Calls are of very different length.
  load_balancing_algorithm_type = "least_outstanding_requests"

  # Every request stands by itself, a session's as well: a signed id, no store.
  stickiness {
    type    = "lb_cookie"
    enabled = false
  }

  health_check {
    enabled             = true
    protocol            = "HTTP"
    path                = module.definition.health.path
    matcher             = "200"
    interval            = module.definition.health.interval
    timeout             = module.definition.health.timeout
    healthy_threshold   = module.definition.health.healthy
    unhealthy_threshold = module.definition.health.unhealthy
  }
}
