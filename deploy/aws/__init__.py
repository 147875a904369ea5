"""Production on AWS: the infrastructure as code (app.py), and the program that releases to it (release.py)."""
