"""Pages on which people decide, the curation of clips and the human study, and one on which they try a model.

Three small servers with one frame: `serving.py` starts each and holds its folder, `database.py` keeps what is answered,
`security.py` stands before every request, `tokens.py` names things without telling what they are, `files.py` sends
media, and `playing.py` knows which films browsers play. The modules here need the extra `web`; verbs import them when
they are used.
"""
