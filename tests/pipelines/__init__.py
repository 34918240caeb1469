"""Tests of what runs in other people's pipelines; a package, so that its conftest is not taken for the other one."""
