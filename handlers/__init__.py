"""HTTP: routes, access rules, request and response shapes."""
