{{/* The number is followed at once, in steps as large as it asks for. */}}
{{- define "runmill.scalingBehavior" -}}
scaleUp:
  stabilizationWindowSeconds: 0
  policies:
    - {type: Pods, value: {{ int .Values.autoscaling.max }}, periodSeconds: 15}
scaleDown:
  stabilizationWindowSeconds: {{ int .Values.autoscaling.scaleDownStabilizationSeconds }}
  policies:
    - {type: Percent, value: 100, periodSeconds: 15}
{{- end -}}
