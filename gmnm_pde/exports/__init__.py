"""Solutions for other programs: files of ParaView, labelled arrays, tables, meshes, and models that run alone."""
