"""gRPC code generated from proto/studio/v1 (make proto)."""
