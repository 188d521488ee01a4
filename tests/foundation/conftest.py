"""What the tests of the ground floor share."""

from support.object_stores import bucket, new_bucket, s3_server, s3_settings

__all__ = ["bucket", "new_bucket", "s3_server", "s3_settings"]
