"""A quilt3 that has no home, no catalog, no telemetry and nobody's credentials but those given.

Import this before quilt3, which reads some of it while it is imported.
"""

import os
from contextlib import contextmanager
from pathlib import Path

REGION = "us-east-1"


def settle(folder, is_cached=False):
    """Everything that quilt3 and boto3 keep or look for is in `folder`, or nowhere. Unless quilt3's
    cache is wanted, a manifest that has been read is read from S3 again."""
    folder = Path(folder).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    for name in [name for name in os.environ if name.startswith(("AWS_", "QUILT_"))]:
        del os.environ[name]
    os.environ.update(
        HOME=str(folder),
        XDG_DATA_HOME=str(folder / "data"),
        XDG_CACHE_HOME=str(folder / "cache"),
        QUILT_DISABLE_USAGE_METRICS="true",
        QUILT_DISABLE_CACHE=str(not is_cached).lower(),
        QUILT_MINIMIZE_STDOUT="true",
        AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
        AWS_EC2_METADATA_DISABLED="true",
        AWS_MAX_ATTEMPTS="1",
        NO_PROXY="*",
        no_proxy="*",
    )


@contextmanager
def credentials(s3_url, keys):
    """Inside, boto3 and quilt3 are this user at this S3: both make a session anew for each call."""
    variables = {
        "AWS_ENDPOINT_URL_S3": s3_url,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
        "AWS_SESSION_TOKEN": keys["SessionToken"],
    }
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def s3():
    """A client of the user who acts now. (`boto3.client` keeps the credentials it first saw.)"""
    import boto3

    return boto3.Session().client("s3")
