"""What the providers on Google Cloud share: keys of the configuration, credentials, addresses."""
