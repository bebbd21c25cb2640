"""The control process: HTTP API, authentication, supervision of workers."""
