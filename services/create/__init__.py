"""create"""
