# A worker and its engine, with torch. Built from the top of the repository:
#
#   docker build -f docker/worker.Dockerfile .                                             for processors
#   docker build -f docker/worker.Dockerfile --build-arg TORCH=cuda --build-arg TORCH_INDEX_URL= .    for GPUs
#
# TORCH says what is wanted, TORCH_INDEX_URL where it is found; empty: wherever pip looks, which on PyPI is the CUDA
# build. A build that got the other kind fails instead of being several GB too large, or too slow.

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
ARG TORCH=cpu
ARG TORCH_INDEX_URL=https://download.pytorch.org/whl/cpu
# --no-deps: that index holds torch; the rest comes from the usual place.
RUN if [ -n "${TORCH_INDEX_URL}" ]; then \
        /opt/croze/bin/pip install -q -c constraints.txt --no-deps --index-url "${TORCH_INDEX_URL}" torch; fi \
    && /opt/croze/bin/pip install -q -c constraints.txt torch \
    && got="$(/opt/croze/bin/python -c 'import torch; print("cuda" if torch.version.cuda else "cpu")')" \
    && if [ "$got" != "${TORCH}" ]; then \
        echo "TORCH=${TORCH} is wanted, and TORCH_INDEX_URL='${TORCH_INDEX_URL}' has a build for $got" >&2; exit 1; fi
COPY . ./
# What is only for building is left behind: also torch's headers and tests, 200 MB of them.
RUN rm -rf build ./*.egg-info \
    && /opt/croze/bin/pip install -q --no-deps --no-build-isolation --force-reinstall . \
    && /opt/croze/bin/pip check \
    && /opt/croze/bin/pip uninstall -q -y setuptools pip \
    && rm -rf /opt/croze/lib/python3.*/site-packages/torch/include /opt/croze/lib/python3.*/site-packages/torch/test \
    && find /opt/croze/lib/python3.*/site-packages/torch/bin -type f ! -name torch_shm_manager -delete \
    && /opt/croze/bin/python -P -c 'import torch; torch.ones(2, 2) @ torch.ones(2, 2)'

FROM ${PYTHON_IMAGE}
COPY --from=build /opt/croze /opt/croze
ARG TORCH=cpu
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="CRoZe worker (${TORCH})" \
      org.opencontainers.image.description="Scores neural architectures with PyTorch" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENV PATH=/opt/croze/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    CROZE_HEALTH_FILE=/tmp/croze-worker.json
WORKDIR /
# A number, so that an orchestrator can see that it is not root's.
USER 10001:10001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=5s --start-period=120s --retries=5 CMD ["python", "-P", "-m", "workers.health"]
ENTRYPOINT ["python", "-P", "-m", "workers.main"]
