"""Running the product: on one machine (local) and on AWS."""
