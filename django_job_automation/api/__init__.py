"""The REST API; needs Django REST framework (``pip install "django-opskit[api]"``)."""
