"""The human study: people hear answers without their models' names and rate them."""
