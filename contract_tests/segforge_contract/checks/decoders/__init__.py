"""Decodes output files: images, videos, sounds and 3D models."""

from segforge_contract.checks.decoders.files import FORMATS, DecodedFile, NotDecoded, decode_file

__all__ = ["FORMATS", "DecodedFile", "NotDecoded", "decode_file"]
