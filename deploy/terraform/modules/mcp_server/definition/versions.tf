# No provider: everything here can be evaluated, and is tested, without AWS.
terraform {
  required_version = ">= 1.9"
}
