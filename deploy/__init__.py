"""Running the platform: on one machine, and on AWS."""
