"""Dataverse tables as the files of each shape of export."""
