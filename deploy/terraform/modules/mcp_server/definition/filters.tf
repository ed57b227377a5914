# Patterns over the log lines of docs/LOGGING.md. scripts/check-deploy holds them against lines that a
# server printed.
locals {
  filters = {
    # A token that was sent and is no good. One that has only expired is ordinary: the client renews it.
    auth_rejects = {
      pattern = "{ $.event = \"audit\" && $.action = \"authenticate\" && $.outcome = \"refused\" && $.level = \"WARN\" && $.code != \"token_expired\" }"
      value   = "1"
    }
    server_errors = {
      pattern = "{ $.event = \"access\" && $.status >= 500 && $.status < 600 }"
      value   = "1"
    }
    refresh_failures = {
      pattern = "{ $.event = \"keys\" && $.outcome = \"failed\" }"
      value   = "1"
    }
    # Seconds since the secret was last read well; there are lines only while reading fails.
    secret_age = {
      pattern = "{ $.event = \"keys\" && $.outcome = \"failed\" && $.last_good_secs >= 0 }"
      value   = "$.last_good_secs"
    }
  }
}
