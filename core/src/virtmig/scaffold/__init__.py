"""New plugins from a template: made, brought up to date, and their READMEs filled.

template/ is a copier template. names.py: what a plugin is called. rendering.py: makes the files.
updating.py: merges a newer template into a plugin. project.py, readme.py: a plugin's folder as its
author has it, and the field tables of its README.
"""


class Refused(ValueError):
    """What was asked for is not done; the text is for whoever asked."""
