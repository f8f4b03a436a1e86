"""LocalStack without Docker: Lambda handlers for Node.js run as child processes, and fail as they do on Lambda."""
