"""What the AWS providers share: configuration, places, credentials, signatures, event streams, and their mappings."""
