# The API: no torch. Built from the top of the repository: docker build -f docker/api.Dockerfile .
#
# docker/worker.Dockerfile has the same first steps, so that the two share their layers.

ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
COPY pyproject.toml constraints.txt ./
# Packages first, with our own left empty: a change of the code does not install them again.
RUN python -m venv /opt/croze \
    && touch README.md LICENSE && mkdir app workers proxy \
    && /opt/croze/bin/pip install -q -c constraints.txt pip setuptools \
    && /opt/croze/bin/pip install -q -c constraints.txt --no-build-isolation '.[otel]'
COPY . ./
# What is only for building is left behind.
RUN rm -rf build ./*.egg-info \
    && /opt/croze/bin/pip install -q --no-deps --no-build-isolation --force-reinstall . \
    && /opt/croze/bin/pip check \
    && /opt/croze/bin/pip uninstall -q -y setuptools pip

FROM ${PYTHON_IMAGE}
COPY --from=build /opt/croze /opt/croze
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="CRoZe API" \
      org.opencontainers.image.description="Takes neural architectures over HTTP and answers with their scores" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENV PATH=/opt/croze/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 CROZE_ACCESS=keys
WORKDIR /
# A number, so that an orchestrator can see that it is not root's.
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=8s --start-period=120s --retries=5 CMD ["python", "-P", "-m", "app.probe"]
ENTRYPOINT ["python", "-P", "-m", "app.serve"]
CMD ["--host", "0.0.0.0", "--port", "8000"]
