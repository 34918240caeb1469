"""Parts that formats and faces share to present a Report: wording, annotations, locations, widths."""
