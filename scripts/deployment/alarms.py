"""The alarms' patterns, held against the log of a real server that meets what they are for.

    alarms.py BINARY WORK

A good token, none, one that is over, one with a wrong signature, a registry that does not answer, and an SSM
parameter (moto's) that goes away: each pattern has to fit the lines that it is for, and no other.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

import boto3
import client
import logpattern
from tree import TERRAFORM, Tree, program

sys.path.insert(0, str(Path(__file__).parent.parent / "moto"))
from processes import Process, free_port, plain_environment, stop_when_told

SECRET = "a secret of the check, of 32 bytes or more"
PARAMETER = "/quilt/mcp-server/jwt-secret"
KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_REGION": "us-east-1"}


def provoke(binary, work):
    """Runs the server through all of it; its log as objects."""
    port = free_port()
    aws = f"http://127.0.0.1:{port}"
    address = f"127.0.0.1:{free_port()}"
    variables = plain_environment(
        **KEYS,
        AWS_ENDPOINT_URL=aws,
        QUILT_MCP_ADDR=address,
        QUILT_MCP_LOG_FORMAT="json",
        MCP_ENHANCED_JWT_SECRET_SSM_PARAMETER=PARAMETER,
        QUILT_MCP_CATALOG_TOKENS="true",
        QUILT_REGISTRY_URL=f"http://127.0.0.1:{free_port()}",
        QUILT_MCP_DRAIN_DELAY_SECONDS="0",
    )
    moto = [program("moto_server"), "-H", "127.0.0.1", "-p", str(port)]
    with Process(moto, plain_environment(), work / "moto.log") as stand_in:
        stand_in.wait_until(lambda: "Running on" in stand_in.text(), "moto")
        ssm = boto3.client(
            "ssm",
            endpoint_url=aws,
            region_name="us-east-1",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )
        ssm.put_parameter(Name=PARAMETER, Value=SECRET, Type="SecureString")
        with Process([binary, "serve"], variables, work / "alarms.log") as server:
            server.wait_until(lambda: "serving MCP" in server.text(), "the server")
            wanted = {client.token(SECRET): 200, client.token(SECRET, lifetime=-60): 401}
            wanted |= {client.token("another" + SECRET): 401, None: 401, "qk_nobody": 503}
            for bearer, status in wanted.items():
                answer = client.post(address, client.CALL, bearer=bearer)
                if answer.status != status:
                    raise RuntimeError(f"{answer.status} for {status}: {answer.text}")
            ssm.delete_parameter(Name=PARAMETER)
            time.sleep(1)  # so that the secret has an age
            os.kill(server.child.pid, signal.SIGHUP)
            server.wait_until(lambda: '"event":"keys","outcome":"failed"' in server.text(), "a refresh")
        return [json.loads(line) for line in server.text().splitlines()]


def main(binary, work):
    if TERRAFORM is None:
        print("skipped: the alarms' patterns; there is no terraform")
        return 0
    filters = Tree(".", work / "tree").evaluated["filters"]
    lines = provoke(binary, work)
    failed = 0
    for name, count in {"auth_rejects": 1, "server_errors": 1, "refresh_failures": 1, "secret_age": 1}.items():
        found = [line for line in lines if logpattern.matches(filters[name]["pattern"], line)]
        value = filters[name]["value"]
        is_number = value == "1" or all(isinstance(line[value[2:]], int) for line in found)
        good = len(found) == count and is_number
        print(f"{'ok    ' if good else 'FAILED'} alarm {name}: {len(found)} of {len(lines)} lines, {count} due")
        failed += not good
    for name in set(filters) - {"auth_rejects", "server_errors", "refresh_failures", "secret_age"}:
        print(f"FAILED alarm {name}: nothing provokes it")
        failed += 1
    return 1 if failed else 0


if __name__ == "__main__":
    stop_when_told()
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
