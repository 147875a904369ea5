"""The whole system on one machine, without Docker: `python3 -m deploy.local up|test|bench|lock`."""
