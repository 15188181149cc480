"""The API for programs: the same services as the pages, as JSON, described by OpenAPI from the same shapes."""
