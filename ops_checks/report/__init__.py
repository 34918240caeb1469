"""The one Report of a gate run: its records, its published JSON, and reading that back."""
