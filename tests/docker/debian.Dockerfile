# A program from Debian's package in place of its public image, laid out as that is: for tests where the image cannot be
# had. tests/docker/debian.yml says which.

ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE}
ARG PACKAGE
# wget: for health checks. /prometheus: a new volume takes its owner from there.
# hadolint ignore=DL3008
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends "${PACKAGE}" wget \
    && rm -rf /var/lib/apt/lists/* \
    && mkdir /prometheus && chown 65534:65534 /prometheus
ENV XDG_DATA_HOME=/data XDG_CONFIG_HOME=/config
