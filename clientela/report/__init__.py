"""The morning report and the pages around it: what is published, in sentences, pictures and tables that open offline.

`published` reads the published file by the queries in `queries/`, `texts` says everything in the company's language,
`charts` draws, `sections` holds one function per part of the report, `page` and `index` make HTML of it, `write` puts the
files where people look. Nothing here computes a figure that a mart could hold, and nothing here can hold back a publication.
"""
