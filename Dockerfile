# The image of every service in compose.yaml.
FROM node:24-slim AS page
WORKDIR /app/frontend
COPY frontend/package.json frontend/package-lock.json frontend/.npmrc ./
RUN npm ci
COPY frontend ./
RUN npm run build

FROM python:3.13-slim
WORKDIR /app
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
COPY requirements.txt requirements-postgresql.txt ./
RUN pip install --no-cache-dir -r requirements.txt -r requirements-postgresql.txt
COPY . .
COPY --from=page /app/static/build static/build
RUN python -m whitenoise.compress -q static/build && useradd --create-home lab && mkdir var && chown lab var
USER lab
