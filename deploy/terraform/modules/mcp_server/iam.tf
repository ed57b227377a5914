# The policies are written in definition/policies.tf.

# The server's own identity: sts:AssumeRole on the list, ssm:GetParameter on one name.
resource "aws_iam_role" "task" {
  name_prefix        = "${var.name}-task-"
  description        = "Own identity of ${var.name}; users' data is reached with users' roles"
  assume_role_policy = module.definition.trust_policy
  tags               = local.tags
}

resource "aws_iam_role_policy" "task" {
  count = module.definition.needs_aws ? 1 : 0

  name   = "assume-roles-and-read-the-secret"
  role   = aws_iam_role.task.id
  policy = module.definition.task_policy
}

# ECS's identity, before the container runs: image, log, secrets.
resource "aws_iam_role" "execution" {
  name_prefix        = "${var.name}-exec-"
  description        = "ECS starts tasks of ${var.name} with it"
  assume_role_policy = module.definition.trust_policy
  tags               = local.tags
}

resource "aws_iam_role_policy" "execution" {
  name   = "start-tasks"
  role   = aws_iam_role.execution.id
  policy = module.definition.execution_policy
}
