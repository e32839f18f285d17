"""The pages that people use: to watch films (``/``) and to look after them (``/admin/``).

They are shells: what they show comes from the API, by scripts in ``static/``.
"""
