"""How Spark reads an object store: Hadoop's S3A, by what the environment tells all libraries.

Its JARs are no part of what Spark needs: ``python -m winnow.engine.jars --s3`` fetches them too. Of
Amazon's SDK they are the modules that S3A uses, not the bundle of all services of Amazon that
hadoop-aws asks for: 35 JARs, 12 MB in all.
"""

from collections.abc import Mapping
from pathlib import Path

_SDK = "2.29.52"
"""The version that hadoop-aws of Spark 4.1 is made for."""

PACKAGES = (
    "org.apache.hadoop:hadoop-aws:3.4.2",
    *(f"software.amazon.awssdk:{name}:{_SDK}" for name in ("s3", "s3-transfer-manager", "sts")),
)
EXCLUDED = ("software.amazon.awssdk:bundle", "software.amazon.awssdk:netty-nio-client")
FILE_SYSTEM = "org.apache.hadoop.fs.s3a.S3AFileSystem"

_GROUPS = (
    "org.apache.hadoop_hadoop-aws-",
    "org.reactivestreams_",
    "org.wildfly.openssl_",
    "software.amazon.",
)
"""Of what Ivy resolves; the others Spark ships, or S3A does not need for its requests."""


def pick_s3a(resolved: tuple[Path, ...]) -> dict[str, Path]:
    """Return the JARs of S3A, by the file name that they get: Ivy puts the group before it."""
    own = (jar for jar in resolved if jar.name.startswith(_GROUPS))
    return {jar.name.partition("_")[2]: jar for jar in own}


def s3a_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the settings of Spark for the server that the environment names; no secret is in them.

    Who one is S3A reads from the environment itself.
    """
    settings = {}
    if region := environment.get("AWS_REGION"):
        settings["spark.hadoop.fs.s3a.endpoint.region"] = region
    if endpoint := environment.get("AWS_ENDPOINT_URL"):
        settings["spark.hadoop.fs.s3a.endpoint"] = endpoint
        # As Arrow, delta-rs and Sail ask other servers than Amazon's.
        settings["spark.hadoop.fs.s3a.path.style.access"] = "true"
        with_tls = str(not endpoint.startswith("http://")).lower()
        settings["spark.hadoop.fs.s3a.connection.ssl.enabled"] = with_tls
    return settings
