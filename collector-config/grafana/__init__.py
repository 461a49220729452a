"""The dashboards as code: `python collector-config/generate_dashboards.py` writes their JSON."""
