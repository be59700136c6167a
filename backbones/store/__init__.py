"""Sets on disk and on the Hub: manifests, adapters, import, export, and the memory that serving takes."""
