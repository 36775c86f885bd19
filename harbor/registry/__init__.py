"""The OCI distribution API: what docker push and docker pull speak."""
