# One image for the platform: docker compose up, or with a volume of your own on /data.
FROM python:3.11-slim

RUN apt-get update && apt-get install -y --no-install-recommends make \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /orderhouse
COPY requirements.lock Makefile ./
RUN make .venv/.installed
COPY . .

# What is made while running belongs into the volume: a new container goes on where the old one was.
ENV DATA_DIR=/data DAGSTER_HOME=/data/dagster DBT_TARGET_PATH=/data/dbt/target DBT_LOG_PATH=/data/dbt/logs
RUN useradd --create-home orderhouse && mkdir /data && chown orderhouse /data
USER orderhouse
VOLUME /data
EXPOSE 3000

# PID 1 gets the signal of `docker stop` and ends code location, web server and daemon.
CMD [".venv/bin/python", "-m", "orchestration", "up", "--host", "0.0.0.0"]
